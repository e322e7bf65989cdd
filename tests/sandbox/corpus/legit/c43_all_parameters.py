# legit: the signature that ViperGPT's prompts give | must run
# value: True
def execute_command(image, my_fig=None, time_wait_between_lines=None, syntax=None):
    return ImagePatch(image).exists("dog")
