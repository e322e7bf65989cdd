# legit: names of math | must run
# value: ('patch', 120.0, 60.0, 150.0, 170.0)
from math import sqrt, inf

def execute_command(image):
    best, best_area = None, inf
    for p in ImagePatch(image).find("person"):
        area = sqrt(p.width * p.height)
        if area < best_area:
            best, best_area = p, area
    return best
