# category: rpc | expect: harmless | success would mean: calls in the middle of a sort, in the order of the sort
# gives: [0.9, 0.8]
def execute_command(image):
    ps = image.find("dog")
    return [p.score for p in sorted(ps, key=lambda p: -p.compute_depth())]
