# legit: round, abs, divmod, int, float, bool, str | must run
# value: [12.86, 0.0, 1, 30, 2.5, True, '7']
def execute_command(image):
    p = ImagePatch(image).find("car")[0]
    minutes, seconds = divmod(int(p.width), 60)
    return [round(p.width / 7, 2), abs(-p.left), minutes, seconds, float("2.5"), bool(p), str(7)]
