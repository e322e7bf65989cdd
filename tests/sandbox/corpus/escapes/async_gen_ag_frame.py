# category: frames | expect: reject | success would mean: ag_frame, missing from deny lists before RestrictedPython 8.5
# refused: policy 2 "'async for' is not part of programs. Write 'for'."
def execute_command(image):
    g = (x async for x in image)
    return "ESCAPED:" + repr(g.ag_frame.f_builtins)[:40]
