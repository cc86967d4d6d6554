using GemmaScope.Bench;
using GemmaScope.Bench.LlamaCpp;
using GemmaScope.Numerics;

// dotnet run -c Release --project bench/GemmaScope.Bench.LlamaCpp [-- FOLDER [ROUNDS [TYPE ...]]]
var folder = args.Length > 0 ? args[0] : RandomModel.DefaultFolder;
var rounds = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 7;
DType[] types = args.Length > 2 ? [.. args[2..].Select(Enum.Parse<DType>)] : [DType.BF16, DType.Q8_0, DType.Q4_0];

Comparison.Quiet();
Console.WriteLine("tokens per second, median of the rounds; ratio: median of the rounds' own, with its range");
foreach (var type in types)
{
    var file = RandomGguf.Make(type, folder);
    foreach (var mapped in (bool[])[false, true])
    {
        using var comparison = new Comparison(file, mapped);
        foreach (var line in comparison.Measure(rounds))
            Console.WriteLine($"{type, -5} {(mapped ? "mapped" : "in memory"), -10} {line}");
    }
}
