using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Descriptions of activations for people.</summary>
internal static class VerbaliseText
{
    public static void Write(Terminal terminal, VerbaliseResult result)
    {
        var isBack = result.RoundTrip is not null;
        var table = new DataTable([
            "vector",
            .. isBack ? (Column[])[new("round trip", true), new("other", true), new("shuffled", true), new("mean", true)] : [],
            "description",
        ]);
        foreach (var item in result.Items)
            table.Add([
                item.Token ?? item.Source,
                .. isBack
                    ? (string[])[Cosine(item.Cosine), Cosine(item.OtherCosine), Cosine(item.ShuffledCosine), Cosine(item.MeanCosine)]
                    : [],
                item.Description,
            ]);
        table.Write(terminal);
        if (isBack)
        {
            terminal.Out.WriteLine();
            Properties.Write(
                terminal,
                ("round trip", Mean(result.RoundTrip)),
                ("another vector's description", Mean(result.Others)),
                ("the shuffled vector's", Mean(result.Shuffled)),
                ("mean direction of the others", Mean(result.MeanDirection)),
                ("variance of directions explained", Format.Defined(result.Explained, "0.000"))
            );
        }
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("not shown");
        foreach (var line in result.NotShown)
            terminal.Out.WriteLine($"  {line}");
    }

    private static string Cosine(double? value) => Format.Defined(value, "0.000");

    private static string Mean(MeanEstimate? value) =>
        value is null ? "" : FormattableString.Invariant($"{value.Mean:0.000} [{value.Low:0.000}, {value.High:0.000}]");
}
