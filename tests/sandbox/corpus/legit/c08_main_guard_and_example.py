# legit: an example of use behind the program | must run
# value: 2
def execute_command(image):
    return len(ImagePatch(image).find("car"))


if __name__ == "__main__":
    result = execute_command(image)
    print(f"Answer: {result}")
