namespace GemmaScope.Files;

/// <summary>Names what a folder holds where it is not what was looked for, so that the message says more than that a file is missing.
/// </summary>
internal static class FolderForms
{
    private static readonly (string Pattern, string Form)[] Forms =
    [
        ("adapter_model.safetensors", "a LoRA adapter; merge it into its model first (merge_and_unload of PEFT) and name the merged model"),
        ("adapter_model.bin", "a LoRA adapter; merge it into its model first (merge_and_unload of PEFT) and name the merged model"),
        ("*.gguf", "a model as a GGUF file; where a model is wanted, name the file, or a folder that holds nothing else"),
        (
            "pytorch_model*.bin",
            "weights in PyTorch's pickle format; take the model's safetensors files, or save it anew with safe_serialization"
        ),
        ("*.ckpt", "a checkpoint of a training framework, which is not read"),
        ("*.msgpack", "weights of Flax, which are not read; take the model's safetensors files"),
        ("tf_model.h5", "weights of TensorFlow, which are not read; take the model's safetensors files"),
        ("lm_config.json", "a dictionary of Language-Model-SAEs (Llama Scope), a form that is not read"),
        ("hyperparams.json", "a dictionary of Language-Model-SAEs (Llama Scope), a form that is not read"),
        ("ae.pt", "a dictionary of dictionary_learning without its config.json, which says how it is computed"),
        ("sae.safetensors", "a dictionary of sparsify without its cfg.json, which says how it is computed"),
        ("*.pt", "weights in PyTorch's pickle format whose meaning no file beside them tells"),
        ("*.pth", "weights in PyTorch's pickle format whose meaning no file beside them tells"),
    ];

    /// <summary>"holds a LoRA adapter of …", or null where nothing known is there.</summary>
    public static string? Describe(string folder)
    {
        if (!Directory.Exists(folder))
            return null;
        if (File.Exists(Path.Combine(folder, "adapter_config.json")))
            return $"holds a LoRA adapter{Base(folder)}; merge it into that model first (merge_and_unload of PEFT) and name the merged model";
        foreach (var (pattern, form) in Forms)
            if (Directory.EnumerateFiles(folder, pattern).FirstOrDefault() is { } file)
                return $"holds {form} ({Path.GetFileName(file)})";
        return null;
    }

    private static string Base(string folder)
    {
        try
        {
            return JsonFile.Read(Path.Combine(folder, "adapter_config.json")).Text("base_model_name_or_path") is { } name
                ? $" of {name}"
                : "";
        }
        catch (FileFormatException)
        {
            return "";
        }
    }
}
