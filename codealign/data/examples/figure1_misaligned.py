def save_password(user, password):
    with open("passwords.txt", "a") as file:
        file.write(f"{user}:{password}\n")


def verify(user, password):
    with open("passwords.txt") as file:
        lines = file.read().splitlines()
    return f"{user}:{password}" in lines
