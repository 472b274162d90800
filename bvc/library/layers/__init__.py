"""Layers that several model families share; each is defined once.

Dimension letters of all models and layers:

    b  batch (examples)
    h  height of an image in pixels, or of a grid of patches
    w  width of an image in pixels, or of a grid of patches
    t  tokens (positions of a sequence, patches included)
    s  tokens that are attended to, where they differ from t
    d  width of the model: channels of a token
    n  heads of attention
    k  channels of one head (d = n * k)
    f  hidden units of an MLP
    c  channels that a layer gives out: classes, or an embedding's dims
    v  entries of a vocabulary

Parameters are named `kernel` (matrices and convolutions), `bias`, `scale` (norms) and `embedding` (tables) and
have the shapes that they have in big_vision's checkpoints, with input dims before output dims.
"""
