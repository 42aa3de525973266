# Unreadable implementation
def rl(s):
    r = []
    for i in range(len(s)):
        b = i and s[i] == s[i - 1]
        r = (r[:-1] if b else r) + [(s[i], r[-1][1] + 1 if b else 1)]
    return r
