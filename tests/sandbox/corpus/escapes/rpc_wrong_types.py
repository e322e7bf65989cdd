# category: rpc | expect: deny | success would mean: objects of unexpected type reach model code
# refused: runtime 2 "TypeError: find() needs object_name as str, got dict"
def execute_command(image):
    image.find({"a": [1, {"b": 2}]})
    image.simple_query(12345)
    image.crop("0", None, [], True)
    return "ESCAPED:types"
