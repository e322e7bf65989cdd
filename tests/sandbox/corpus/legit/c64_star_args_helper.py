# legit: *args and **kwargs in a helper and in calls | must run
# value: 383.0
def total(*values, scale=1, **extra):
    return sum(values) * scale + len(extra)

def execute_command(image):
    widths = [p.width for p in ImagePatch(image).find("car")]
    options = {"scale": 2, "why": "not"}
    return total(*widths, 1, **options)
