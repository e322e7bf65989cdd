# category: native-libs | expect: deny | success would mean: image object's save()/show()/tobytes reachable from patch
# refused: check 2 "ImagePatch has no attribute 'cropped_image'. A patch has no pixels here"
def execute_command(image):
    image.cropped_image.save("@CANARY_DIR@/escape_canary.png")
    image.original_image.show()
    return "ESCAPED:save"
