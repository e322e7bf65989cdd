# category: proxies | expect: reject | success would mean: __reduce_ex__, __copy__ and __getstate__
# refused: policy 2 "The attribute '__reduce_ex__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:%s" % (image.__reduce_ex__(2),)
