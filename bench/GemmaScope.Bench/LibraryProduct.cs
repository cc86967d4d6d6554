using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// The best that oneDNN does with bf16 matrices (f32 ones where the processor has no bf16 products), as its manual advises: weights packed
/// beforehand in the layout it asks for, x in that type already, and one call that uses its own threads. Nothing of our own kernels takes
/// part. The library's small descriptors and primitives live as long as the process.
/// </summary>
internal sealed unsafe class LibraryProduct : IDisposable
{
    private const int AnyLayout = 1,
        QueryWeights = 131;

    private readonly int _type;
    private readonly OneDnn _library;
    private readonly Tensor _x,
        _packed,
        _y;
    private readonly nint _primitive,
        _stream;
    private readonly OneDnn.Argument[] _arguments;

    private LibraryProduct(OneDnn library, Tensor x, Tensor weights)
    {
        var (rows, inputs, outputs) = ((int)x.Rows, x.Columns, (int)weights.Rows);
        (_library, _x, _y) = (library, x, Tensor.Uninitialized(rows, outputs));
        (_type, Type) = (x.Type == DType.BF16 ? OneDnn.BF16 : OneDnn.F32, x.Type);
        nint source = library.Describe(rows, inputs, inputs, 1, _type),
            result = library.Describe(rows, outputs, outputs, 1, OneDnn.F32);
        nint plain = library.Describe(inputs, outputs, 1, inputs, _type),
            any = DescribeAny(inputs, outputs);
        var product = library.DescribeProduct(source, any, result, attributes: 0);
        if (product == 0)
            throw new GemmaScopeException("has no product of this type for this processor", $"oneDNN {library.Version}");
        var wanted = ((delegate* unmanaged<nint, int, int, nint>)library.Find("dnnl_primitive_desc_query_md"))(product, QueryWeights, 0);
        _packed = Tensor.Allocate(DType.U8, [(long)((delegate* unmanaged<nint, nuint>)library.Find("dnnl_memory_desc_get_size"))(wanted)]);

        nint stream;
        library.Call(
            ((delegate* unmanaged<nint*, nint, uint, int>)library.Find("dnnl_stream_create"))(&stream, library.Engine, 1),
            "stream_create"
        );
        _stream = stream;
        var packed = Memory(wanted, _packed);
        nint reorder;
        library.Call(
            ((delegate* unmanaged<nint*, nint, nint, nint, nint, nint, int>)library.Find("dnnl_reorder_primitive_desc_create"))(
                &reorder,
                plain,
                library.Engine,
                wanted,
                library.Engine,
                0
            ),
            "reorder_primitive_desc_create"
        );
        Execute(Primitive(reorder), [new(OneDnn.Source, Memory(plain, weights)), new(OneDnn.Destination, packed)]);

        var kernel = library.Implementation(product);
        // Emulated bf16 is several times slower than f32: nobody's best.
        if (Type == DType.BF16 && !kernel.StartsWith("brg", StringComparison.Ordinal))
            throw new GemmaScopeException("has no bf16 product for this processor, only an emulated one", $"oneDNN {library.Version}");
        Name = $"oneDNN {library.Version} {Type}, packed, {kernel}";
        _primitive = Primitive(product);
        _arguments = [new(OneDnn.Source, Memory(source, x)), new(OneDnn.Weights, packed), new(OneDnn.Destination, Memory(result, _y))];
    }

    /// <summary>How figures name it: version, type of the matrices, and the kernel that the library chose.</summary>
    public string Name { get; }

    /// <summary>Type of the matrices.</summary>
    public DType Type { get; }

    /// <summary>A product of the given matrices in bf16 or f32, [rows, inputs] and [outputs, inputs]; null where the library is absent or
    /// cannot. Takes x over.</summary>
    public static LibraryProduct? TryCreate(Tensor x, Tensor weights)
    {
        if (OneDnn.TryLoad(Environment.GetEnvironmentVariable(OneDnn.PathVariable), out _) is not { } library)
            return null;
        // A primitive keeps the number of threads that it finds when it is made.
        library.SetThreads(Workers.Count);
        try
        {
            return new LibraryProduct(library, x, weights);
        }
        catch (GemmaScopeException)
        {
            return null;
        }
    }

    public Contestant Contestant() =>
        new(
            WorkCount.Product(_x.Rows, _x.Columns, _y.Columns),
            () => Execute(_primitive, _arguments),
            Before: () => _library.SetThreads(Workers.Count)
        );

    public void Dispose()
    {
        // Our own kernels call the library from threads of ours, each with a team of one.
        _library.SetThreads(1);
        _x.Dispose();
        _packed.Dispose();
        _y.Dispose();
    }

    private nint DescribeAny(long rows, long columns)
    {
        var dims = stackalloc long[] { rows, columns };
        if (!_library.Version.StartsWith("2.", StringComparison.Ordinal))
        {
            nint made;
            _library.Call(
                ((delegate* unmanaged<nint*, int, long*, int, int, int>)_library.Find("dnnl_memory_desc_create_with_tag"))(
                    &made,
                    2,
                    dims,
                    _type,
                    AnyLayout
                ),
                "memory_desc_create_with_tag"
            );
            return made;
        }
        var descriptor = _library.Describe(rows, columns, 1, rows, _type);
        _library.Call(
            ((delegate* unmanaged<nint, int, long*, int, int, int>)_library.Find("dnnl_memory_desc_init_by_tag"))(
                descriptor,
                2,
                dims,
                _type,
                AnyLayout
            ),
            "memory_desc_init_by_tag"
        );
        return descriptor;
    }

    private nint Memory(nint descriptor, Tensor tensor)
    {
        nint memory;
        _library.Call(
            ((delegate* unmanaged<nint*, nint, nint, void*, int>)_library.Find("dnnl_memory_create"))(
                &memory,
                descriptor,
                _library.Engine,
                tensor.Pointer
            ),
            "memory_create"
        );
        return memory;
    }

    private nint Primitive(nint description)
    {
        nint primitive;
        _library.Call(
            ((delegate* unmanaged<nint*, nint, int>)_library.Find("dnnl_primitive_create"))(&primitive, description),
            "primitive_create"
        );
        return primitive;
    }

    private void Execute(nint primitive, OneDnn.Argument[] arguments)
    {
        fixed (OneDnn.Argument* first = arguments)
            _library.Call(
                ((delegate* unmanaged<nint, nint, int, OneDnn.Argument*, int>)_library.Find("dnnl_primitive_execute"))(
                    primitive,
                    _stream,
                    arguments.Length,
                    first
                ),
                "primitive_execute"
            );
        _library.Call(((delegate* unmanaged<nint, int>)_library.Find("dnnl_stream_wait"))(_stream), "stream_wait");
    }
}
