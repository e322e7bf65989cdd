# legit: dict item augmented assignment | must run
# value: 'thing'
def execute_command(image):
    counts = {}
    for p in ImagePatch(image).find("fruit"):
        name = p.simple_query("What fruit is this?").lower()
        if name not in counts:
            counts[name] = 0
        counts[name] += 1
    return max(counts, key=counts.get)
