"""Files of COCO: annotations that are read, predictions that are written."""
