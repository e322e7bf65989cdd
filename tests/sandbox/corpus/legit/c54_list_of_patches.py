# legit: grounding: several patches | must run
# value: [('patch', 60.0, 110.0, 75.0, 130.0), ('patch', 100.0, 115.0, 112.0, 135.0)]
def execute_command(image):
    return [p for p in ImagePatch(image).find("cup") if p.left < 200]
