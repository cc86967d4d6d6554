using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>
/// The part of oneDNN's C interface that a plain matrix product needs, for major versions 2 and 3. A memory
/// descriptor is an address in both: of a block of ours in version 2, of the library's object in version 3.
/// </summary>
internal sealed unsafe class OneDnn
{
    /// <summary>The environment variable with the library's path, or "off".</summary>
    public const string PathVariable = "GEMMASCOPE_ONEDNN";

    // By SONAME; 3.6 is what Debian calls its build of 3.12.
    private static readonly string[] Names =
    [
        "libdnnl.so.3",
        "libdnnl.so.3.6",
        "libdnnl.so.2",
        "libdnnl.so",
        "libdnnl.3.dylib",
        "dnnl.dll",
    ];

    internal const int BF16 = 2,
        F32 = 3;
    internal const int Source = 1,
        Destination = 17,
        Weights = 33;
    private const int Scratchpad = 80;
    private const int QueryImplementation = 8,
        QueryScratchpad = 136;
    private const int DescriptorV2 = 696,
        OperationV2 = 2800;

    [ThreadStatic]
    private static (OneDnn? Owner, nint Handle) t_stream;

    private readonly nint _library,
        _engine;
    private readonly int _major;
    private readonly delegate* unmanaged<nint*, nint, nint, int> _createPrimitive;
    private readonly delegate* unmanaged<nint, nint, int, Argument*, int> _execute;
    private readonly delegate* unmanaged<nint*, nint, nint, void*, int> _createMemory;
    private readonly delegate* unmanaged<nint, int> _destroyMemory,
        _destroyPrimitive,
        _destroyDescription;
    private readonly delegate* unmanaged<nint, int, int, nint> _queryDescriptor;
    private readonly delegate* unmanaged<nint, nuint> _descriptorSize;

    private OneDnn(nint library)
    {
        _library = library;
        var version = (int*)((delegate* unmanaged<nint>)Find("dnnl_version"))();
        _major = version[0];
        Version = $"{version[0]}.{version[1]}.{version[2]}";
        if (_major is not (2 or 3))
            throw new GemmaScopeException($"version {Version} is neither 2 nor 3", "oneDNN");
        _createPrimitive = (delegate* unmanaged<nint*, nint, nint, int>)Find("dnnl_primitive_create");
        _execute = (delegate* unmanaged<nint, nint, int, Argument*, int>)Find("dnnl_primitive_execute");
        _createMemory = (delegate* unmanaged<nint*, nint, nint, void*, int>)Find("dnnl_memory_create");
        _destroyMemory = (delegate* unmanaged<nint, int>)Find("dnnl_memory_destroy");
        _destroyPrimitive = (delegate* unmanaged<nint, int>)Find("dnnl_primitive_destroy");
        _destroyDescription = (delegate* unmanaged<nint, int>)Find("dnnl_primitive_desc_destroy");
        _queryDescriptor = (delegate* unmanaged<nint, int, int, nint>)Find("dnnl_primitive_desc_query_md");
        _descriptorSize = (delegate* unmanaged<nint, nuint>)Find("dnnl_memory_desc_get_size");
        nint engine;
        Call(((delegate* unmanaged<nint*, int, nuint, int>)Find("dnnl_engine_create"))(&engine, 1, 0), "engine_create");
        _engine = engine;
    }

    /// <summary>The library's handle of the processor.</summary>
    internal nint Engine => _engine;

    /// <summary>major.minor.patch.</summary>
    public string Version { get; }

    /// <summary>Loads the library, or says why not.</summary>
    /// <param name="setting">A path, "off", or null to look in the usual places.</param>
    /// <param name="problem">Why null is returned.</param>
    public static OneDnn? TryLoad(string? setting, out string? problem)
    {
        problem = null;
        if (string.Equals(setting, "off", StringComparison.OrdinalIgnoreCase))
        {
            problem = $"switched off by {PathVariable}";
            return null;
        }
        try
        {
            foreach (var name in string.IsNullOrWhiteSpace(setting) ? Names : [setting])
                if (NativeLibrary.TryLoad(name, out var library))
                    return new OneDnn(library);
            problem = string.IsNullOrWhiteSpace(setting)
                ? "no libdnnl was found; install it (Debian: libdnnl2 or libdnnl3) for faster bf16 products"
                : $"{PathVariable}={setting} cannot be loaded";
        }
        catch (Exception e) when (e is GemmaScopeException or EntryPointNotFoundException)
        {
            problem = e.Message;
        }
        return null;
    }

    /// <summary>
    /// Prepares y = x · W with x [rows, inputs] and W in a type (bf16 or f32) and y [rows, outputs] in f32, all without
    /// gaps between stored rows; null where the library has nothing but its reference or emulating implementations, which are
    /// slower than ours. Gaps would lead there: version 2 takes its fast kernels for dense matrices alone.
    /// </summary>
    public Matmul? Prepare(MatmulShape shape, DType type = DType.BF16)
    {
        var (rows, inputs, outputs, layout) = shape;
        var number = type == DType.BF16 ? BF16 : F32;
        var x = Describe(rows, inputs, inputs, 1, number);
        var w = layout == WeightLayout.OutIn ? Describe(inputs, outputs, 1, inputs, number) : Describe(inputs, outputs, outputs, 1, number);
        var y = Describe(rows, outputs, outputs, 1, F32);
        var attributes = CreateAttributes();
        try
        {
            var description = DescribeProduct(x, w, y, attributes);
            if (description == 0)
                return null;
            var implementation = Implementation(description);
            if (!implementation.StartsWith("brg", StringComparison.Ordinal))
            {
                _destroyDescription(description);
                return null;
            }
            nint primitive;
            Call(_createPrimitive(&primitive, description, 0), "primitive_create");
            var result = new Matmul(this, primitive, description, x, w, y, implementation);
            x = w = y = 0;
            return result;
        }
        finally
        {
            ((delegate* unmanaged<nint, int>)Find("dnnl_primitive_attr_destroy"))(attributes);
            Free(x, w, y);
        }
    }

    // One scratchpad per thread: a shared one gives silently wrong results in version 3.
    private nint CreateAttributes()
    {
        nint attributes;
        Call(((delegate* unmanaged<nint*, int>)Find("dnnl_primitive_attr_create"))(&attributes), "primitive_attr_create");
        Call(((delegate* unmanaged<nint, int, int>)Find("dnnl_primitive_attr_set_scratchpad_mode"))(attributes, 1), "set_scratchpad_mode");
        return attributes;
    }

    /// <summary>A function of the library.</summary>
    internal nint Find(string name) => NativeLibrary.GetExport(_library, name);

    /// <summary>Every status goes through here.</summary>
    internal void Call(int status, string function)
    {
        if (status != 0)
            throw new GemmaScopeException(
                $"{function} failed with status {status}; set {PathVariable}=off to do without",
                $"oneDNN {Version}"
            );
    }

    private nint StreamOfThread()
    {
        if (ReferenceEquals(t_stream.Owner, this))
            return t_stream.Handle;
        // We split the work ourselves: a second thread team would fight with ours for the processors. The setting
        // belongs to the calling thread.
        SetThreads(1);
        nint stream;
        Call(((delegate* unmanaged<nint*, nint, uint, int>)Find("dnnl_stream_create"))(&stream, _engine, 1), "stream_create");
        t_stream = (this, stream);
        return stream;
    }

    /// <summary>Threads that the library uses in a call from this thread; a build without OpenMP has no such setting.</summary>
    internal void SetThreads(int count)
    {
        if (NativeLibrary.TryGetExport(_library, "omp_set_num_threads", out var set))
            ((delegate* unmanaged<int, void>)set)(count);
    }

    /// <summary>Describes a matrix by its strides in elements; <see cref="Free"/> the result.</summary>
    internal nint Describe(long rows, long columns, long rowStride, long columnStride, int type)
    {
        long* dims = stackalloc long[] { rows, columns },
            strides = stackalloc long[] { rowStride, columnStride };
        nint descriptor;
        if (_major == 2)
        {
            descriptor = (nint)NativeMemory.AllocZeroed(DescriptorV2);
            Call(
                ((delegate* unmanaged<nint, int, long*, int, long*, int>)Find("dnnl_memory_desc_init_by_strides"))(
                    descriptor,
                    2,
                    dims,
                    type,
                    strides
                ),
                "memory_desc_init_by_strides"
            );
        }
        else
            Call(
                ((delegate* unmanaged<nint*, int, long*, int, long*, int>)Find("dnnl_memory_desc_create_with_strides"))(
                    &descriptor,
                    2,
                    dims,
                    type,
                    strides
                ),
                "memory_desc_create_with_strides"
            );
        return descriptor;
    }

    /// <summary>Describes x · W; 0 where the library cannot: version 2 says "unimplemented" on processors without bf16 support.</summary>
    internal nint DescribeProduct(nint x, nint w, nint y, nint attributes)
    {
        nint description;
        int status;
        if (_major == 2)
        {
            var operation = stackalloc byte[OperationV2];
            new Span<byte>(operation, OperationV2).Clear();
            Call(
                ((delegate* unmanaged<byte*, nint, nint, nint, nint, int>)Find("dnnl_matmul_desc_init"))(operation, x, w, 0, y),
                "matmul_desc_init"
            );
            status = ((delegate* unmanaged<nint*, byte*, nint, nint, nint, int>)Find("dnnl_primitive_desc_create"))(
                &description,
                operation,
                attributes,
                _engine,
                0
            );
        }
        else
            status = ((delegate* unmanaged<nint*, nint, nint, nint, nint, nint, nint, int>)Find("dnnl_matmul_primitive_desc_create"))(
                &description,
                _engine,
                x,
                w,
                0,
                y,
                attributes
            );
        const int unimplemented = 3;
        if (status == unimplemented)
            return 0;
        Call(status, "matmul primitive_desc_create");
        return description;
    }

    /// <summary>The library's name for the kernel of a product that was described.</summary>
    internal string Implementation(nint description)
    {
        byte* name;
        Call(
            ((delegate* unmanaged<nint, int, int, byte**, int>)Find("dnnl_primitive_desc_query"))(
                description,
                QueryImplementation,
                0,
                &name
            ),
            "primitive_desc_query"
        );
        return Marshal.PtrToStringUTF8((nint)name) ?? "";
    }

    internal void Free(params ReadOnlySpan<nint> descriptors)
    {
        foreach (var descriptor in descriptors)
            if (_major == 2)
                NativeMemory.Free((void*)descriptor);
            else if (descriptor != 0)
                ((delegate* unmanaged<nint, int>)Find("dnnl_memory_desc_destroy"))(descriptor);
    }

    internal readonly record struct Argument(int Id, nint Memory);

    /// <summary>A prepared product; any number of threads may run it at once. Freed when nobody refers to it.</summary>
    public sealed class Matmul
    {
        [ThreadStatic]
        private static Scratch? t_scratchpad;

        private readonly OneDnn _dnn;
        private readonly nint _primitive,
            _description,
            _x,
            _w,
            _y,
            _scratchpad;
        private readonly long _scratchpadSize;

        internal Matmul(OneDnn dnn, nint primitive, nint description, nint x, nint w, nint y, string implementation)
        {
            (_dnn, _primitive, _description, _x, _w, _y) = (dnn, primitive, description, x, w, y);
            Implementation = implementation;
            _scratchpad = dnn._queryDescriptor(description, QueryScratchpad, 0);
            _scratchpadSize = _scratchpad == 0 ? 0 : (long)dnn._descriptorSize(_scratchpad);
        }

        /// <summary>The library's name for the kernel, with its instruction set.</summary>
        public string Implementation { get; }

        /// <summary>Computes on the calling thread.</summary>
        public void Run(void* x, void* w, float* y)
        {
            var arguments = stackalloc Argument[4];
            var count = 0;
            try
            {
                arguments[count++] = new(Source, Memory(_x, x));
                arguments[count++] = new(Weights, Memory(_w, w));
                arguments[count++] = new(Destination, Memory(_y, y));
                if (_scratchpadSize > 0)
                    arguments[count++] = new(Scratchpad, Memory(_scratchpad, (t_scratchpad ??= new()).Bytes(_scratchpadSize)));
                _dnn.Call(_dnn._execute(_primitive, _dnn.StreamOfThread(), count, arguments), "primitive_execute");
            }
            finally
            {
                for (var i = 0; i < count; i++)
                    _dnn._destroyMemory(arguments[i].Memory);
                GC.KeepAlive(this);
            }
        }

        private nint Memory(nint descriptor, void* data)
        {
            nint memory;
            _dnn.Call(_dnn._createMemory(&memory, descriptor, _dnn._engine, data), "memory_create");
            return memory;
        }

        /// <summary>Frees the library's objects.</summary>
        ~Matmul()
        {
            _dnn._destroyPrimitive(_primitive);
            _dnn._destroyDescription(_description);
            _dnn.Free(_x, _w, _y);
        }
    }
}

/// <summary>What a prepared product depends on.</summary>
internal readonly record struct MatmulShape(int Rows, int Inputs, int Outputs, WeightLayout Layout);
