# category: rpc | expect: deny | success would mean: public but unexported member
# refused: check 2 "ImagePatch has no attribute 'shutdown'. There is best_text_match, category, compute_depth, crop, exists, find,"
def execute_command(image):
    image.shutdown()
    return "ESCAPED:shutdown"
