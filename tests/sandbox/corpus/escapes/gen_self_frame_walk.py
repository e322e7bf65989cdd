# category: frames | expect: deny | success would mean: running generator reads its own f_back chain
# refused: policy 3 "The attribute 'f_back' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    def walk():
        yield me.gi_frame.f_back
    me = walk()
    fr = next(me)
    while fr.f_back:
        fr = fr.f_back
    return "ESCAPED:" + repr(fr.f_globals.keys())[:60]
