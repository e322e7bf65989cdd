# legit: list/dict stores, del, slice assign, in/not in, chained compare | must run
# value: [[7, 3], [5, 0]]
def execute_command(image):
    ps = ImagePatch(image).find("p")
    grid = [[0] * 2 for i in range(2)]
    grid[0][1] = len(ps)
    grid[1][0] += 5
    d = {"a": 1, "b": 2}
    del d["a"]
    grid[0][:1] = [7]
    return grid if 0 < len(ps) <= 9 and "a" not in d else d
