# category: rpc | expect: kill | success would mean: an endless list of patches
# refused: memory 5 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    def forever():
        while True:
            yield image
    return "ESCAPED:%s" % best_image_match(forever(), ["dog"])
