# category: syntax | expect: reject | success would mean: mathematical letters are normalised to ASCII
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image.__𝒸𝓁𝒶𝓈𝓈__)
