namespace GemmaScope.Features.Exchange;

/// <summary>The names by which two programs call the same parts of an example.</summary>
internal sealed record ExportDialect(
    string BinMin,
    string BinMax,
    string BinContains,
    string Qualifying,
    string SourceValues,
    string SourceMaximum,
    string SourceTarget
)
{
    public static ExportDialect Neuronpedia { get; } =
        new("binMin", "binMax", "binContains", "qualifyingTokenIndex", "dfaValues", "dfaMaxValue", "dfaTargetIndex");

    public static ExportDialect SaeDashboard { get; } =
        new("bin_min", "bin_max", "bin_contains", "qualifying_token_index", "dfa_values", "dfa_maxValue", "dfa_targetIndex");
}
