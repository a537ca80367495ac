package script

// Skeleton is a scenario to begin with. It runs, and shows a race that is known.
const Skeleton = `# scenario v1
title: what happens, in one line
reports: none known
users saw: what somebody noticed
invariant: I9
breaks: v2_4_2

container c1

# Step 1: somebody begins something, and is held where the race is.
start c1 mayfail=aborted as S
until S at tasks.Create/after-effect

# Step 2: somebody else comes.
stop c1 as P
go P

# Step 3: everybody goes on, and all should be well.
finish S
finish P
expect c1 dead
`
