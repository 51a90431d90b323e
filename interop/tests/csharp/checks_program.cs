// `dotnet Checks.dll NAME MAP` runs one of the checks; it prints "ok", or what is wrong. Without a name
// it prints the names of all.

if (args.Length == 0)
{
    Console.WriteLine(string.Join('\n', Checks.All.Keys.Concat(Checks.OfProcess.Keys)));
    return;
}

try
{
    (Checks.All.GetValueOrDefault(args[0]) ?? Checks.OfProcess[args[0]])(args[1]);
    Console.WriteLine("ok");
}
catch (Exception error)
{
    Console.WriteLine(error);
}
