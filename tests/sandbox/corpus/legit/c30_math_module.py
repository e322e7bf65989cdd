# legit: functions of math | must run
# value: [125.22, 176.57, -125, False]
import math

def execute_command(image):
    a, b = ImagePatch(image).find("dog")
    dx = a.horizontal_center - b.horizontal_center
    dy = a.vertical_center - b.vertical_center
    angle = math.degrees(math.atan2(dy, dx))
    return [round(math.hypot(dx, dy), 2), round(angle, 2), math.ceil(dx), math.isclose(dx, dy)]
