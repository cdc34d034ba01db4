# drumfire pack reads code objects (libelf) and their metadata (libmsgpack-c).
LIBS_cli += -lelf -lmsgpackc
LIBS_fuzz += -lelf -lmsgpackc
