# category: rpc | expect: bounded | success would mean: RPC issued in the middle of another (generator in sort key) desynchronises ids
# gives: 2
def execute_command(image):
    ps = image.find("dog")
    ps.sort(key=lambda p: len(p.simple_query("what?")) + len(image.find("cat")))
    return len(ps)
