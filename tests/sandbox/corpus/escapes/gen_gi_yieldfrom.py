# category: frames | expect: deny | success would mean: inner iterator of host generator via gi_yieldfrom
# refused: policy 8 "The attribute 'gi_frame' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    def a():
        yield from b()
    def b():
        yield 1
    g = a()
    next(g)
    return "ESCAPED:" + repr(g.gi_yieldfrom.gi_frame)
