# legit: enumerate and zip in loops | must run
# value: '1:right, 2:left, 3:right'
def execute_command(image):
    p = ImagePatch(image)
    lines = []
    for i, (person, cup) in enumerate(zip(p.find("person"), p.find("cup")), start=1):
        side = "left" if cup.right < person.left else "right"
        lines.append(f"{i}:{side}")
    return ", ".join(lines)
