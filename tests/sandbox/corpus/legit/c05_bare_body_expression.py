# legit: the last expression is the answer | must run
# value: 'yes'
image_patch = ImagePatch(image)
cats = image_patch.find("cat")
bool_to_yesno(len(cats) > 0)
