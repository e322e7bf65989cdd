"""Images: decoding, boxes, regions."""
