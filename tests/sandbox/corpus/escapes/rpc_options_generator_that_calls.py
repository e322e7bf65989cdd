# category: rpc | expect: harmless | success would mean: a generator of options that makes calls while the call is put together
# gives: 'thing'
def execute_command(image):
    return image.best_text_match(p.simple_query("?") for p in image.find("dog"))
