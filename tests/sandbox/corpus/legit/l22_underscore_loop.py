# legit: throwaway underscore and starred call | must run
# value: 12
def execute_command(image):
    total = 0
    for _ in range(3):
        total += len(ImagePatch(image).find("x"))
    pts = [3, 1, 2]
    return max(*pts) + total
