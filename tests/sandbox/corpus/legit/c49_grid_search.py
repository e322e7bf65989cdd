# legit: nested ranges and crops | must run
# value: 'row 0, column 0: 1'
def execute_command(image):
    p = ImagePatch(image)
    best, cell = -1, None
    for row in range(2):
        for col in range(3):
            part = p.crop(col * 100, row * 100, (col + 1) * 100, (row + 1) * 100)
            n = len(part.find("cup"))
            if n > best:
                best, cell = n, (row, col)
    return f"row {cell[0]}, column {cell[1]}: {best}"
