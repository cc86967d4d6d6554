using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>An element type with the byte order of its file, as NumPy's short descriptions (<c>&lt;f4</c>) give it.</summary>
internal readonly record struct NpyType(DType Type, bool BigEndian)
{
    private static readonly Dictionary<string, DType> ByCode = new(StringComparer.Ordinal)
    {
        ["f2"] = DType.F16,
        ["f4"] = DType.F32,
        ["f8"] = DType.F64,
        ["c8"] = DType.C64,
        ["b1"] = DType.Bool,
        ["i1"] = DType.I8,
        ["i2"] = DType.I16,
        ["i4"] = DType.I32,
        ["i8"] = DType.I64,
        ["u1"] = DType.U8,
        ["u2"] = DType.U16,
        ["u4"] = DType.U32,
        ["u8"] = DType.U64,
    };

    /// <summary>The type of a description.</summary>
    /// <exception cref="FileFormatException">It is none that holds plain numbers.</exception>
    public static NpyType Parse(string description, string what, string file)
    {
        if (
            description.Length > 2
            && "<>|=".Contains(description[0], StringComparison.Ordinal)
            && ByCode.TryGetValue(description[1..], out var type)
        )
        {
            return new NpyType(type, description[0] == '>' && type.Size() > 1);
        }
        var problem = description.TrimStart('<', '>', '|', '=') switch
        {
            "O" => "has dtype object (pickled data), which is refused; save it as a plain array",
            "V2" => $"has dtype {description} (raw bytes; NumPy has no bfloat16); save it as float32",
            _ => $"has dtype '{description}', which holds no plain numbers; save it as float32",
        };
        throw new FileFormatException($"{what} {problem}", file);
    }

    /// <summary>The description of a tensor's type.</summary>
    /// <exception cref="ArgumentProblemException">NumPy has no such type.</exception>
    public static string DescriptionOf(TensorSource tensor)
    {
        var code =
            ByCode.FirstOrDefault(pair => pair.Value == tensor.Type).Key
            ?? throw new ArgumentProblemException($"NumPy has no type {tensor.Type}; write safetensors or convert it to F32", tensor.Name);
        return (tensor.Type.Size() == 1 ? "|" : "<") + code;
    }
}
