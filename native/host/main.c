#include "../ecsagent.h"

int main(int argc, char **argv)
{
    return ecsagent_main(argc, argv);
}
