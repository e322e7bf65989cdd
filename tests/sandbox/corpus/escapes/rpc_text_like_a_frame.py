# category: rpc | expect: harmless | success would mean: a text that looks like a frame stays a text
# gives: 'thing'
def execute_command(image):
    return image.simple_query("\x00\x00\x00\x05[1,2]")
