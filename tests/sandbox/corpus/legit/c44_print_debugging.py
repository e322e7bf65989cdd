# legit: print everywhere | must run
# value: 2
def execute_command(image):
    p = ImagePatch(image)
    dogs = p.find("dog")
    print("Found", len(dogs), "dogs", sep=" ", end="\n")
    for i, d in enumerate(dogs):
        print(f"dog {i}: {d.left=:.1f}", flush=True)
    return len(dogs)
