"""Your own data: what stands between a stranger's file or folder and a data set to train on."""
