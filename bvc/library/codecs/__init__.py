"""Components of bvc: one file each; see `bvc.component.registry` for how they are found."""
