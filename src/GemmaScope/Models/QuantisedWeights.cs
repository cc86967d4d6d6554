namespace GemmaScope.Models;

/// <summary>Names the forms in which weights are stored that this library cannot compute with, by their configuration or their tensors.</summary>
internal static class QuantisedWeights
{
    private const string Cure = "take the original weights (F32, BF16 or F16), or write them dequantised";

    /// <summary>What stands behind a tensor's name, first match first.</summary>
    private static readonly (string Part, string Form)[] Tensors =
    [
        (".lora_A.", "a LoRA adapter that is not merged into its model; merge it first (merge_and_unload of PEFT)"),
        (".lora_embedding_A", "a LoRA adapter that is not merged into its model; merge it first (merge_and_unload of PEFT)"),
        (".qweight", $"weights quantised by GPTQ or AWQ; {Cure}"),
        (".weight_packed", $"weights packed by compressed-tensors; {Cure}"),
        (".weight.quant_state", $"weights quantised to 4 bits by bitsandbytes; {Cure}"),
        (".weight.absmax", $"weights quantised to 4 bits by bitsandbytes; {Cure}"),
        (".SCB", $"weights quantised to 8 bits by bitsandbytes; {Cure}"),
        (".weight_scale", $"weights stored in fp8 or int8 with scales; {Cure}"),
        (".input_scale", $"weights stored in fp8 with scales; {Cure}"),
        (".scales", $"quantised weights with scales; {Cure}"),
    ];

    /// <summary>The end of the sentence "'quantization_config' …".</summary>
    public static string Named(string? method) =>
        $"says that the weights are quantised{(method is null ? "" : $" by {method}")}, which cannot be computed with; {Cure}";

    /// <summary>What a set of tensors is, where it is one of the known forms, with a name that shows it.</summary>
    public static string? Of(IEnumerable<string> names)
    {
        foreach (var name in names)
        foreach (var (part, form) in Tensors)
            if (name.Contains(part, StringComparison.Ordinal))
                return $"holds {form} (tensor '{name}')";
        return null;
    }
}
