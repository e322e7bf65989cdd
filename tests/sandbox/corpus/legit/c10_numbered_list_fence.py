# legit: a fence inside a numbered list | must run
# value: 3
1. Find the objects.
2. Count them:

   ```python
   def execute_command(image):
       return len(ImagePatch(image).find("cup"))
   ```
