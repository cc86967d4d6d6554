using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Two circuits side by side, for people at a terminal.</summary>
internal static class CircuitCompareText
{
    public static void Write(Terminal terminal, CircuitCompareResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("first", Describe(result.First)),
            ("second", Describe(result.Second)),
            ("features", $"{result.SharedFeatures} fire in both"),
            ("nodes", $"{result.OnlyFirstCount} in the first alone, {result.OnlySecondCount} in the second alone")
        );
        terminal.Out.WriteLine();
        var targets = new DataTable("target", new Column("first", true), new Column("second", true), new Column("change", true));
        foreach (var one in result.Targets)
            targets.Add(one.Name, $"{one.First:0.000}", $"{one.Second:0.000}", Signed(one.Second - one.First));
        targets.Write(terminal);
        Alone(terminal, "in the first alone", result.OnlyFirst);
        Alone(terminal, "in the second alone", result.OnlySecond);
        Changed(
            terminal,
            "changed influence",
            result.ChangedInfluence,
            node => Format.Defined(node.Share, "0.0000"),
            pair => pair.ShareChange
        );
        Changed(
            terminal,
            "changed activation",
            result.ChangedActivations,
            node => Format.Defined(node.Activation, "0.000"),
            pair => pair.ActivationChange
        );
    }

    private static void Alone(Terminal terminal, string title, IReadOnlyList<ComparedNode> nodes)
    {
        if (nodes.Count == 0)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable(title, new Column("influence", true), new Column("activation", true));
        foreach (var node in nodes)
            table.Add(Words(node), node.Share is { } share ? $"{share:0.0000}" : "", node.Activation is { } value ? $"{value:0.000}" : "");
        table.Write(terminal);
    }

    private static void Changed(
        Terminal terminal,
        string title,
        IReadOnlyList<ComparedPair> pairs,
        Func<ComparedNode, string> value,
        Func<ComparedPair, double?> change
    )
    {
        if (pairs.Count == 0)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable(title, new Column("first", true), new Column("second", true), new Column("change", true));
        foreach (var pair in pairs)
            table.Add(Words(pair), value(pair.First), value(pair.Second), Signed(change(pair)!.Value));
        table.Write(terminal);
    }

    private static string Describe(ComparedPrompt prompt) =>
        $"{Format.Quoted(string.Concat(prompt.Tokens))}: {prompt.ActiveFeatures} features fire, replacement {prompt.ReplacementScore:0.000}, "
        + $"completeness {prompt.CompletenessScore:0.000}{(prompt.IdentityHolds ? "" : ", NOT COMPLETE")}";

    private static string Words(ComparedPair pair) =>
        pair.First.Position == pair.Second.Position && pair.First.Token == pair.Second.Token ? Words(pair.First)
        : pair.First.Token == pair.Second.Token
            ? $"{Name(pair.First)} at {pair.First.Position}, {pair.Second.Position} {Format.Quoted(pair.First.Token)}"
        : $"{Words(pair.First)} / {Format.Quoted(pair.Second.Token)}";

    private static string Words(ComparedNode node) => $"{Name(node)} at {node.Position} {Format.Quoted(node.Token)}";

    private static string Name(ComparedNode node) =>
        node.Kind switch
        {
            GraphNodeKind.Feature => $"feature {node.Layer}/{node.Index}",
            GraphNodeKind.Error => $"error of layer {node.Layer}",
            _ => "token",
        };

    private static string Signed(double value) => $"{value:+0.0000;-0.0000;0.0000}";
}
