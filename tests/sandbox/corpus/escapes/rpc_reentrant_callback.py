# category: rpc | expect: deny | success would mean: callable passed over RPC, run by the parent
# refused: runtime 2 "TypeError: verify_property() needs attribute as str, got function"
def execute_command(image):
    return image.verify_property("dog", lambda: "ESCAPED")
