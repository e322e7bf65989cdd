# legit: which cups stand on the table | must run
# value: 3
def execute_command(image):
    image_patch = ImagePatch(image)
    table = image_patch.find("table")[0]
    on_table = []
    for cup in image_patch.find("cup"):
        if cup.overlaps_with(table.left, table.lower, table.right, table.upper):
            on_table.append(cup)
    return len(on_table)
