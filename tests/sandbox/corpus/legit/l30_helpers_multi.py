# legit: module-level helper, default args, docstring, assert/raise | must run
# value: [220.0, 60.0]
LIMIT = 2
def nearest(ref, ps, k=LIMIT):
    '''k nearest'''
    assert k > 0
    return sorted(ps, key=lambda p: distance(ref, p))[:k]
def execute_command(image):
    ip = ImagePatch(image)
    ps = ip.find("cup")
    if not ps:
        raise ValueError("no cup")
    return [p.left for p in nearest(ip, ps)]
