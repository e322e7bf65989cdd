# legit: import math inside and outside | must run
# value: 168.17
import math
def execute_command(image):
    a, b = ImagePatch(image).find("car")[:2]
    return round(math.sqrt((a.horizontal_center - b.horizontal_center) ** 2 + (a.vertical_center - b.vertical_center) ** 2), 3) + math.floor(math.pi)
