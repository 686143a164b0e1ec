"""What a post means: matching, classifying, routing. Pure functions of their input and of `now`."""
