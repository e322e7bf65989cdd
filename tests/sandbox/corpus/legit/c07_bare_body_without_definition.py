# legit: image_patch is used and never made | must run
# value: True
return image_patch.exists("dog") and not image_patch.exists("unicorn")
