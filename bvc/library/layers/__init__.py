"""Layers that several model families share; each is defined once.

Dimension letters of all models and layers:

    b  batch (examples)
    h  height of an image in pixels, of a grid of patches, or of a kernel
    w  width of the same
    H  height, and
    W  width, of another image or kernel than h and w
    gh  height of a grid of patches, and
    gw  its width, beside an image
    t  tokens (positions of a sequence, patches included)
    s  tokens that are attended to, or that are before a resampling, where they differ from t
    d  width of the model: channels of a token
    e  width of what is attended to, where it differs from d
    r  width of the representation before a head
    n  heads of attention; of an autoencoder, codes of an image; of a search, sequences side by side
    k  channels of one head (d = n * k); of an autoencoder, channels of a code
    f  hidden units of an MLP
    c  channels of an image or a grid; what a head gives out: classes, or an embedding's dims
    i  channels that a convolution reads
    o  channels that it gives
    p  pixels of a patch in one dim; parameters of a density
    v  entries of a vocabulary, or of a codebook
    x  places of a kernel along the width, and
    y  along the height

Parameters are named `kernel` (matrices and convolutions), `bias`, `scale` (norms) and `embedding` (tables) and
have the shapes that they have in big_vision's checkpoints, with input dims before output dims.
"""
